"""What is taken for granted of Azure Functions, as this deployment has it."""

from __future__ import annotations

from typing import Final

from booking_sync.certify.assumptions.kinds import AskedService, Assumption, Possibility, TriedBy

_SCALE = (
    "Look at `perInstanceConcurrency` and `maximumInstanceCount` of infra/main.bicep: what is refused with "
    "anything but 502, 503 or 504 is not repeated by Dynamics 365."
)
_LATE = (
    "Run it again in an hour. If it stays so, look at the workspace's daily cap, and whether the app's "
    "timers run: `booking-sync doctor`."
)
_LINES_ONLY = (
    "Look at the parameter `traceSampler` of infra/main.bicep, and at the key `telemetryMode` of host.json "
    "in what was published."
)
_MISSING = (
    "Look whether it is the workspace of this app, and at APPLICATIONINSIGHTS_CONNECTION_STRING, "
    "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY and the role *Monitoring Metrics Publisher* of the app's "
    "managed identity."
)
_WAKE = "See in the portal whether the app runs; then `booking-sync doctor`."

DEPLOYMENT: Final = (
    Assumption(
        "webhooks_at_once",
        AskedService.APP,
        "Are 20 webhooks answered that come at once, also when the app was idle?",
        Possibility("all", "a burst of changes loses nothing"),
        "documented; Flex Consumption gives a Python app that sets nothing one request at a time",
        TriedBy.WEBHOOK,
        (
            Possibility("some", "webhooks are lost in a burst, until the catch-up", _SCALE),
            Possibility(
                "refused", "every webhook is lost", "Compare address and key: `booking-sync doctor`."
            ),
        ),
    ),
    Assumption(
        "queue_wakes",
        AskedService.APP,
        "Does the app take a message from its queue within a minute?",
        Possibility("within_a_minute", "changes are shown soon, also after idle hours"),
        "documented: the queue is polled at most every `maxPollingInterval`, and scaling starts from zero",
        TriedBy.BOOKING,
        (
            Possibility(
                "later", "changes wait for minutes after idle hours", "Consider `alwaysReadyInstances`."
            ),
            Possibility("not_at_all", "nothing takes the message", _WAKE),
        ),
    ),
    Assumption(
        "telemetry_arrives",
        AskedService.APP,
        "Do the app's traces and log lines arrive in Application Insights?",
        Possibility("arrive", "queries and alerts work"),
        "documented; ingestion takes some minutes, and nobody promises how many",
        TriedBy.WORKSPACE,
        (
            Possibility("late", "alerts come late, or not at all", _LATE),
            Possibility("lines_only", "alerts work; what shows traces stays empty", _LINES_ONLY),
            Possibility("missing", "alerts stay silent", _MISSING),
        ),
    ),
    Assumption(
        "host_dead_letters",
        AskedService.APP,
        "Does a message expire after seven days that the Functions host itself puts on the poison queue?",
        Possibility("after_seven_days", "the catch-up takes it over, so that it does not vanish"),
        "seen on the host's own code (Extensions.Storage.Queues 5.3.10); public request since 2024",
        TriedBy.NEVER,
        (Possibility("never", "the catch-up takes it over all the same"),),
        "it would put a message on the poison queue and raise an alert; `booking-sync poison list` shows "
        "what expires",
    ),
    Assumption(
        "sign_in_header",
        AskedService.APP,
        "Can anybody but the platform set `X-MS-CLIENT-PRINCIPAL` where its authentication is on?",
        Possibility("nobody", "who signs in is who orders, and only the role's holders get in"),
        "documented: external requests can't set it; `WEBSITE_AUTH_ENABLED` tells whether it is on",
        TriedBy.NEVER,
        (
            Possibility(
                "on_excluded_paths",
                "the app asks for it on no such path: the probe and the webhook read no account",
            ),
        ),
        "only where operators sign in (`operatorsClientId`); to see it, send one by curl to the page's "
        "`/api/operations/status`: the answer must be a redirection, and no data",
    ),
    Assumption(
        "sign_in_excluded",
        AskedService.APP,
        "Do webhook and probe stay reachable without an account while operators have to sign in?",
        Possibility("reachable", "changes arrive, and probes see how the app is"),
        "documented (`excludedPaths`), and used so on function apps in public threads",
        TriedBy.NEVER,
        (
            Possibility(
                "redirected",
                "no change arrives by webhook; health and page say so after the next catch-up",
                "Turn the authentication off and go back to the key (docs/deployment.md).",
            ),
        ),
        "where operators sign in, the check of `webhooks_at_once` meets it",
    ),
)
