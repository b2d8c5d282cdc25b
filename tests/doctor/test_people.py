"""What the doctor makes of who takes part."""

from __future__ import annotations

from dataclasses import replace

from booking_sync.doctor.people import judge_calendars, judge_participants, taking_part
from booking_sync.doctor.report import CheckResult, CheckStatus
from booking_sync.domain.bookings.booking import BookableResource
from booking_sync.domain.bookings.participation import EVERYBODY, Participation, TakesPart
from booking_sync.domain.bookings.resource_type import ResourceType
from booking_sync.ports.dataverse.bookings import NamedResource
from booking_sync.ports.diagnosis import MailboxAccess
from tests.support.bookings import ANNA, BERT, technician

ANNAS_ID, BERTS_ID, VAN_ID = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
ANNAS = NamedResource("Anna", replace(technician(ANNA), id=ANNAS_ID))
BERTS = NamedResource("Bert", replace(technician(BERT), id=BERTS_ID))
VAN = NamedResource("Van 7", BookableResource(ResourceType.EQUIPMENT, id=VAN_ID))
NOBODY = Participation(everybody=False)


def chosen(person: NamedResource) -> NamedResource:
    """The same, whose row says that it takes part."""
    return replace(person, resource=replace(person.resource, takes_part=TakesPart.YES))


def judge(*people: NamedResource, participation: Participation = NOBODY) -> dict[str, CheckResult]:
    """The results by their checks."""
    return {each.check: each for each in judge_participants(people, participation)}


def test_who_takes_part_is_told_by_name() -> None:
    """Those with a calendar, of all that there are."""
    (result,) = judge(chosen(ANNAS), BERTS, VAN).values()
    assert (result.status, result.words) == (CheckStatus.OK, "1 of 3 bookable resources: Anna")
    (result,) = judge(ANNAS, BERTS, VAN, participation=EVERYBODY).values()
    assert result.words == "2 of 3 bookable resources: Anna, Bert"


def test_of_many_the_first_ten_are_named() -> None:
    """The list stays readable."""
    (result,) = judge(*[ANNAS] * 12, participation=EVERYBODY).values()
    assert result.words.endswith("and 2 more")


def test_nobody_takes_part() -> None:
    """A setting that empties every calendar, with what to do about it."""
    (result,) = judge(ANNAS, BERTS).values()
    assert result.status is CheckStatus.WARNING
    assert "nothing shows in Outlook" in result.words
    assert "PARTICIPANTS" in result.remedy


def test_whoever_was_chosen_and_has_no_calendar_is_named() -> None:
    """Equipment that nobody chose has none as a matter of course."""
    assert "without a calendar" not in judge(chosen(ANNAS), VAN)
    assert "without a calendar" not in judge(ANNAS, VAN, participation=EVERYBODY)
    listed = Participation(everybody=False, named=frozenset({VAN_ID, ANNA}))
    for results in (judge(ANNAS, chosen(VAN)), judge(ANNAS, VAN, participation=listed)):
        assert results["without a calendar"].words.endswith(": Van 7")


def test_a_mailbox_that_is_none_is_an_error() -> None:
    """Each booking of it would fail."""
    typed = replace(VAN, resource=replace(VAN.resource, mailbox="the blue van"))
    result = judge(chosen(ANNAS), typed)["mailboxes on rows"]
    assert (result.status, result.words.endswith("of Van 7")) == (CheckStatus.ERROR, True)


def test_an_address_that_leads_nowhere_is_an_error_with_its_own_remedy() -> None:
    """The reason that stands on the rows of its bookings says what to do."""
    told = replace(VAN.resource, mailbox="van7@contoso.com", mailbox_problem="Grant User.Read.All.")
    result = judge(chosen(ANNAS), replace(VAN, resource=told))["mailboxes on rows"]
    assert (result.status, result.remedy) == (CheckStatus.ERROR, "Grant User.Read.All.")
    assert result.words == "an address leads to no mailbox: Van 7"


def test_a_user_that_can_t_be_read_is_an_error_with_its_own_remedy() -> None:
    """Each booking fails; nobody is told to give them a mailbox that they may well have."""
    hidden = replace(ANNAS.resource, user=None, user_problem="Check the role.")
    results = judge(chosen(replace(ANNAS, resource=hidden)), BERTS)
    assert results["their users"].status is CheckStatus.ERROR
    assert results["their users"].words == "the user of the resource can't be read: Anna"
    assert results["their users"].remedy == "Check the role."
    assert "without a calendar" not in results


def test_a_name_in_the_list_that_fits_nobody_is_told() -> None:
    """A deleted resource, or an id of something else."""
    stranger = "00000000-0000-4000-8000-0000000000ff"
    listed = Participation(everybody=False, named=frozenset({stranger, ANNA, BERTS_ID}))
    assert stranger in judge(ANNAS, BERTS, participation=listed)["PARTICIPANTS"].words
    assert "PARTICIPANTS" not in judge(ANNAS, BERTS, participation=replace(listed, named=frozenset({ANNA})))


def test_calendars_that_the_app_may_not_open_are_named_with_their_remedy() -> None:
    """Who takes part and is outside the scope in Exchange fails with each booking."""
    inside = taking_part([ANNAS, BERTS], EVERYBODY)
    both = {ANNA: MailboxAccess.ALLOWED, BERT: MailboxAccess.ALLOWED}
    fine = judge_calendars(inside, both, EVERYBODY)
    assert (fine.status, fine.words) == (CheckStatus.OK, "2 of 2 asked for, none closed to the app")
    closed = judge_calendars(inside, both | {BERT: MailboxAccess.DENIED}, EVERYBODY)
    assert closed.status is CheckStatus.ERROR
    assert closed.words == "2 of 2 asked for; 1 closed to the app: Bert"
    assert "scope" in closed.remedy


def test_a_missing_mailbox_is_complained_of_where_somebody_chose() -> None:
    """Where all take part as a matter of course it is told, and no more."""
    gone = {ANNA: MailboxAccess.NO_MAILBOX}
    told = judge_calendars([ANNAS, BERTS], gone, EVERYBODY)
    assert told.status is CheckStatus.OK
    assert told.words.endswith("; 1 without a mailbox in Exchange Online: Anna")
    assert judge_calendars([chosen(ANNAS)], gone, EVERYBODY).status is CheckStatus.WARNING
    assert judge_calendars([ANNAS], gone, NOBODY).status is CheckStatus.WARNING
