"""The real app and the doctor on stacks without a client secret: by managed identity, and by certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from booking_sync.doctor.report import Area, CheckStatus
from local.standin.faults import Fault
from tests.doctor.deployment import Deployment, bad, open_deployment, the

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.options import CertificateForm

pytestmark = pytest.mark.timeout(120)


async def _reaches_outlook(deployment: Deployment) -> None:
    """A booking of now shows in its technician's calendar."""
    plan = await deployment.office.book()
    await deployment.office.settle()
    assert (await deployment.office.event(plan)).mailbox == deployment.office.anna.mailbox


async def _break_tokens(deployment: Deployment) -> None:
    """Graph refuses the token in use once, and the vault every one that it has seen."""
    stack = deployment.stack
    await stack.graph.add_fault(
        Fault(path="batch", status=401, body={"error": {"code": "InvalidAuthenticationToken"}})
    )
    await stack.vault.call("POST", "revoke")


async def test_the_app_runs_without_any_secret(tmp_path: Path) -> None:
    """Its identity speaks for the registration, to Graph and Dataverse; a wrong subject is told in words."""
    async with open_deployment(tmp_path, hosts=1, credential="federated") as deployment:
        stack = deployment.stack
        await _reaches_outlook(deployment)
        report = await deployment.run_doctor()
        assert [each for each in bad(report) if each.status is CheckStatus.ERROR] == []
        assert "none is needed" in the(report, "Key Vault").words
        await _break_tokens(deployment)
        await _reaches_outlook(deployment)

        await stack.entra.configure(federated=[{"subject": stack.identities.client_id}])
        report = await deployment.run_doctor()
        wrong = the(report, "token for Graph")
        assert wrong.status is CheckStatus.ERROR
        assert "AADSTS700213" in wrong.words
        assert f"subject '{stack.identities.managed_identity_id}'" in wrong.words
        assert "az ad app federated-credential list" in wrong.words

        await stack.entra.configure(federated=[{"subject": stack.identities.managed_identity_id}])
        report = await deployment.run_doctor()
        assert the(report, "token for Graph").status is CheckStatus.OK


@pytest.mark.parametrize("form", ["pem", "pkcs12"])
async def test_the_app_runs_with_a_certificate(tmp_path: Path, form: CertificateForm) -> None:
    """In both of the vault's forms; the next is taken without a restart, with each link broken at once."""
    async with open_deployment(
        tmp_path, hosts=1, credential="certificate", certificate_form=form
    ) as deployment:
        await _reaches_outlook(deployment)
        report = await deployment.run_doctor()
        assert [each for each in bad(report) if each.status is CheckStatus.ERROR] == []
        assert [each.status for each in report.results if each.area is Area.SECRET] == [CheckStatus.OK]
        await deployment.stack.rotate_certificate()
        await _break_tokens(deployment)
        await _reaches_outlook(deployment)


async def test_a_secret_is_renewed_with_each_link_broken_at_once(tmp_path: Path) -> None:
    """The default way, with the vault's, Entra's and Graph's refusals together, and no restart."""
    async with open_deployment(tmp_path, hosts=1) as deployment:
        await _reaches_outlook(deployment)
        await deployment.stack.rotate_secret()
        await _break_tokens(deployment)
        await _reaches_outlook(deployment)
