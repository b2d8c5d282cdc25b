"""What Flex Consumption refuses, although the Bicep compiler takes it, and what it needs to be told.

Sources: Azure's answers with error 51021 as public threads quote them, and the page "App settings reference",
section "Flex Consumption plan deprecations". Regions differ: an old one ignores what a new one refuses, so a
deployment that went well once proves nothing.
"""

from __future__ import annotations

import json
from typing import Any

from tests.infra.functions import http_functions
from tests.infra.templates import FUNCTION_APP, MAIN, PARAMETERS, ROOT, bodies, only, values

REFUSED = {
    "alwayson", "autoswapslotname", "ftpsstate", "functionappscalelimit",
    "functionsruntimescalemonitoringenabled", "javacontainer", "javacontainerversion", "javaversion",
    "linuxfxversion", "minimumelasticinstancecount", "netframeworkversion", "nodeversion", "phpversion",
    "powershellversion", "prewarmedinstancecount", "pythonversion", "use32bitworkerprocess",
    "windowsfxversion",
}  # fmt: skip
"""Properties of `siteConfig`, in lower case."""
KNOWN_TO_PASS = {"minTlsVersion", "ipSecurityRestrictions", "ipSecurityRestrictionsDefaultAction"}
"""What the quickstart for FC1 sets, and what other tools send for this plan."""
REFUSED_SETTINGS = {
    "ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_WORKER_RUNTIME_VERSION",
    "SCM_DO_BUILD_DURING_DEPLOYMENT", "TZ", "WEBSITES_CONTAINER_START_TIME_LIMIT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTOVERVNET", "WEBSITE_CONTENTSHARE",
    "WEBSITE_DNS_SERVER", "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_NODE_DEFAULT_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION", "WEBSITE_TIME_ZONE",
    "WEBSITE_USE_PLACEHOLDER_DOTNETISOLATED", "WEBSITE_VNET_ROUTE_ALL",
}  # fmt: skip


def _site_configs() -> dict[str, dict[str, Any]]:
    """Each place where properties of a site's configuration stand, by the resource."""
    sites = {
        name: body["properties"].get("siteConfig", {}) for name, body in bodies("Microsoft.Web/sites").items()
    }
    configs = bodies("Microsoft.Web/sites/config").items()
    return sites | {name: body["properties"] for name, body in configs if body["name"] == "web"}


def test_nothing_is_set_that_flex_consumption_refuses() -> None:
    """A property that Azure answers with error 51021 is in no template, however it is written."""
    configs = _site_configs()
    assert "function-app.app" in configs
    assert [
        (name, each) for name, config in configs.items() for each in config if each.lower() in REFUSED
    ] == []


def test_only_what_is_known_to_pass_is_set() -> None:
    """Before a new property of the site's configuration is set, somebody looks up whether Flex takes it."""
    for name, config in _site_configs().items():
        assert set(config) <= KNOWN_TO_PASS, name
    assert only("Microsoft.Web/sites")["properties"]["siteConfig"]["minTlsVersion"] == "1.2"


def test_no_app_setting_is_one_of_other_plans() -> None:
    """The platform refuses settings that other plans need; neither template nor parameters hold one."""
    settings = {
        *values(FUNCTION_APP.of("variable")["platformSettings"]),
        *values(MAIN.of("variable")["bookingSyncSettings"]),
        *PARAMETERS["extraSettings"]["value"],
    }
    assert settings & REFUSED_SETTINGS == set()


def test_webhooks_find_a_place() -> None:
    """A burst of webhooks is not cut by one request per instance, nor by a handful of instances.

    Dataverse repeats only 502, 503 and 504: what is refused otherwise is lost until the catch-up.
    """
    scale = only("Microsoft.Web/sites")["properties"]["functionAppConfig"]["scaleAndConcurrency"]
    assert scale["triggers"]["http"]["perInstanceConcurrency"].text == "perInstanceConcurrency"
    assert scale["maximumInstanceCount"].text == "maximumInstanceCount"
    given = values(MAIN.of("module")["functionApp"])["params"]
    parameters = MAIN.of("parameter")
    for name, least, most in (("perInstanceConcurrency", 100, 1000), ("maximumInstanceCount", 40, 1000)):
        assert given[name].text == name
        assert parameters[name].value == least
        assert (parameters[name].decorators["minValue"], parameters[name].decorators["maxValue"]) == (1, most)


def test_every_http_function_may_share_an_instance() -> None:
    """A hundred requests at a time are promised to the platform, so no HTTP function may hold a thread."""
    assert http_functions()
    assert [each["name"] for each in http_functions() if not each["coroutine"]] == []


def test_the_queue_function_stays_on_few_instances() -> None:
    """The platform wants queue length / (batchSize + newBatchThreshold) instances, as the template says."""
    queues = json.loads((ROOT / "host.json").read_text())["extensions"]["queues"]
    assert queues["batchSize"] + queues["newBatchThreshold"] == 2000
    assert "one for each 2,000 waiting messages" in MAIN.path.read_text()
