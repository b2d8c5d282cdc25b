// Alerts that somebody has to act upon, by mail. They read the app's own log lines: the platform's metric for queues
// (QueueMessageCount) counts all queues of the account together, once an hour, so it can't tell the poison queue's
// depth. Every message that comes to the poison queue is logged, by the app or by the host.
param email string
param applicationInsightsId string
param location string
param tags { *: string }

var lines = 'traces | where message startswith "{" | extend line = parse_json(message) | extend event = tostring(line.event)'

var rules = [
  {
    name: 'poison'
    severity: 1
    description: 'Messages were given up: bookings that are not in step with Outlook, or changes of other rows, mailboxes or audits that nothing goes on with. `booking-sync poison list` names them and the reasons.'
    query: 'traces | extend line = parse_json(iff(message startswith "{", message, "{}")) | extend event = tostring(line.event) | where (event in ("booking_outcome", "fan_out", "outlook_change", "mailbox_sweep", "audit_stretch") and tostring(line.outcome) == "failed") or event == "message_malformed" or (event == "unexpected_error" and toint(line.delivery) >= 5) or message has "MaxDequeueCount"'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'no-token'
    severity: 1
    description: 'The app gets no token, so nothing is synchronised; changes wait in the queue. Look at the client secret (docs/deployment.md).'
    query: '${lines} | where event == "no_token"'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'audit-guard'
    severity: 2
    description: 'More is to be removed, or was deleted in Outlook, than can be believed; somebody has to look.'
    query: '${lines} | where (event == "audit_finding" and tostring(line.kind) == "guard") or event == "mailbox_withheld"'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'late'
    severity: 2
    description: 'A booking took longer than 15 minutes from its change to its event. See what put it back: docs/operations.md, "Put back, by reason".'
    query: '${lines} | where event == "booking_outcome" and todouble(line.lagSeconds) > 900'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'silent'
    severity: 1
    description: 'No catch-up has run for 15 minutes: the app does not run, or its timers do not. Look at the health (docs/operations.md).'
    query: '${lines} | where event == "catch_up" | summarize runs = count() | where runs == 0'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    // Daily by default. An app that has told nothing for so long is the rule "silent"'s, and a new one is no matter.
    name: 'audit-silent'
    severity: 2
    description: 'No audit has ended for 26 hours: what neither webhooks nor the catch-up see goes unrepaired. Look at the health and for audit_failed in the log (docs/operations.md).'
    query: 'traces | where message startswith "{" | extend line = parse_json(message) | summarize audits = countif(tostring(line.event) == "audit_finished" and tostring(line.reach) == "whole" and timestamp > ago(26h)), since = min(timestamp) | where audits == 0 and since < ago(26h)'
    every: 'PT1H'
    window: 'P2D'
  }
  {
    name: 'queue-waits'
    severity: 1
    description: 'The Functions host hands out no changes, although timers run. The catch-up works off a few at each run. Restart the app (docs/operations.md).'
    query: '${lines} | where event == "queue_waits"'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    // What the app finds out about itself at each catch-up, the same as on the operator's page; `topic` tells which.
    name: 'failing'
    severity: 1
    description: 'Changes do not reach Outlook. The page for operators and the log line "finding" say why, and what to do (docs/operations.md, "Health").'
    query: '${lines} | where event == "finding" and tostring(line.severity) == "failing" and tostring(line.topic) != "stalled"'
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'finding'
    severity: 3
    description: 'Somebody should look at what the app found out about itself: a secret about to end, a failed timer, missing columns. The page for operators and the log line "finding" say what to do (docs/operations.md, "Health").'
    query: '${lines} | where event == "finding" and tostring(line.severity) == "warning" and tostring(line.topic) !in ("given-up", "webhook")'
    every: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'missed-webhooks'
    severity: 3
    description: 'The catch-up found bookings whose webhooks never came. Now and then one is nothing; again and again, run `booking-sync doctor`.'
    query: '${lines} | where event == "catch_up" and toint(line.queued) > 0'
    every: 'PT5M'
    window: 'PT15M'
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'booking-sync-operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'bookingsync'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [for rule in rules: {
  name: 'booking-sync-${rule.name}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'booking_sync: ${rule.name}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [applicationInsightsId]
    evaluationFrequency: rule.every
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: [operators.id] }
  }
}]
