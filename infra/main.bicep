// Everything booking_sync needs in Azure, in a resource group of its own. Deployed by `azd up` or
// `az deployment sub create`, again and again: a second run changes only what differs. docs/deployment.md tells how.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of this environment, such as production or test; part of the resource group\'s name.')
param environmentName string

@minLength(1)
@metadata({ azd: { type: 'location' } })
@description('Azure region, one that has the plan Flex Consumption.')
param location string

@description('Object id of the person (or pipeline) who puts the client secret into the vault and runs the command line; empty: nobody gets these roles.')
param operatorPrincipalId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
@description('What operatorPrincipalId is.')
param operatorPrincipalType string = 'User'

@description('Address that alerts are mailed to; empty: no alerts are made.')
param alertEmail string = ''

@minLength(36)
@maxLength(36)
@description('Tenant of the app registration.')
param entraTenantId string = tenant().tenantId

@minLength(36)
@maxLength(36)
@description('Client id of the app registration that talks to Graph and Dataverse.')
param entraClientId string

@minLength(1)
@description('The Dataverse environment, https://<org>.<region>.dynamics.com.')
param dataverseUrl string

@maxLength(36)
@description('The only Dataverse organisation that is worked for. Only a sandbox may leave it empty.')
param dataverseOrganizationId string

@description('Whether this environment is for trials, with test mailboxes only: the organisation may then stay unchecked.')
param sandbox bool = false

@description('systemuserid of the application user; empty: our own changes are not ignored at the door.')
param dataverseAppUserId string = ''

@minLength(3)
@maxLength(56)
@description('The change queue; its poison queue is <name>-poison.')
param bookingQueueName string = 'booking-changes'

@allowed(['secret', 'certificate', 'federated'])
@description('How the app signs in as the app registration: with a secret or a certificate of the vault, or without either, by its managed identity.')
param credential string = 'secret'

@description('Name of the client certificate in the vault, for credential certificate.')
param clientCertificateName string = 'booking-sync-client-certificate'

@description('Name of the client secret in the vault, for credential secret.')
param clientSecretName string = 'booking-sync-client-secret'

@description('Name in the vault of the key that seals records and events.')
param sealKeyName string = 'booking-sync-seal-key'

@maxLength(36)
@description('Client id of the app registration with which operators sign in to their page; empty: the page asks for the function key.')
param operatorsClientId string = ''

@description('The zone that events are written in, by IANA or Windows name; empty: the one in event.toml, else UTC.')
param eventTimeZone string = ''

@allowed(['off', 'report', 'propose', 'apply'])
@description('The most that a change in Outlook may do to its booking (docs/two-way.md). First run booking-sync provision with RETURN_PATH set.')
param returnPath string = 'off'

@description('Further app settings by name, from docs/settings.md; what is left out has the app\'s own default.')
param extraSettings { *: string } = {}

@allowed([512, 2048, 4096])
@description('Memory of an instance in MB; 2048 comes with a whole core, 512 with a quarter of one.')
param instanceMemoryMB int = 2048

// The platform scales groups of functions, each on instances of its own: all HTTP functions together, and every other
// function by itself. The limit holds for each group, and a single group can't have another one. The webhook decides
// it: a request that finds no place is refused, and Dataverse repeats only 502, 503 and 504. Azure expects failed
// requests below 40, and some regions take no fewer.
// The queue function needs one or two. It gets few by itself: the platform wants queue length / (batchSize +
// newBatchThreshold) instances, one for each 2,000 waiting messages with our host.json. Where it wants more, they
// compete for the four requests at a time that Outlook grants a mailbox and thin out each other's batches; what is
// refused is put back. That costs requests, not correctness.
@minValue(1)
@maxValue(1000)
@description('Most instances of each scale group: of the HTTP functions, and of every other function.')
param maximumInstanceCount int = 40

// A Python app gets one request at a time unless this says otherwise, whatever the instance's size. Our HTTP functions
// are coroutines that wait for the storage account: a hundred of them share an instance easily.
@minValue(1)
@maxValue(1000)
@description('HTTP requests that an instance works on at a time.')
param perInstanceConcurrency int = 100

@minValue(0)
@maxValue(5)
@description('Instances of the webhook and of the queue function that are kept warm, and paid for, day and night.')
param alwaysReadyInstances int = 0

@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS'])
@description('Redundancy of the storage account that holds the queues.')
param storageSku string = 'Standard_LRS'

// Every look at the queue is a line, one a second and instance, also when it finds nothing. Microsoft does not say of
// which category: see it in the logs, and leave that one out where it costs more than it is worth.
@description('What is logged of the queues, besides their metrics: who read, wrote or deleted a message.')
param queueLogs ('StorageRead' | 'StorageWrite' | 'StorageDelete')[] = ['StorageRead', 'StorageWrite', 'StorageDelete']

// Rules hold for the whole site: who may reach the webhook and who may reach the operator's page is one list.
@description('Whether only Dataverse (by service tags) and operatorAddresses reach the site. The keys are asked for in any case.')
param restrictAccess bool = false

// Infra hosts the Power Platform's services, Plex what they run for customers, plug-ins and the like. Microsoft does not
// say from which of them webhooks come, so both are let in. A region narrows them: PowerPlatformInfra.WestEurope.
@description('Service tags that reach the site if access is restricted.')
param dataverseServiceTags string[] = ['PowerPlatformInfra', 'PowerPlatformPlex']

@description('Address ranges of operators and probes, such as 203.0.113.0/24, if access is restricted.')
param operatorAddresses string[] = []

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

// Names that host and worker both know. Without one the worker would keep some five spans a second, whichever.
@allowed(['parentbased_always_on', 'microsoft.rate_limited', 'always_off'])
@description('Which changes are traced: all, about five spans a second, or none. Log lines and metrics are complete in any case.')
param traceSampler string = 'parentbased_always_on'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

// A template can't make a parameter depend on another one otherwise; this stops the deployment before anything is made.
var organizationIsGiven = length(dataverseOrganizationId) == 36 || (sandbox && empty(dataverseOrganizationId))
var organizationId = organizationIsGiven ? dataverseOrganizationId : fail('dataverseOrganizationId must be the organisation\'s id. In production it may not be missing: a copy of the environment would reach people\'s calendars. For a sandbox with test mailboxes only, set sandbox to true.')

// Names and meanings: docs/settings.md. Whatever is not here stays at the app's default or comes from extraSettings.
var bookingSyncSettings = {
  BOOKING_QUEUE_NAME: bookingQueueName
  KEY_VAULT_URL: keyVault.outputs.url
  OPERATIONS_SIGN_IN: empty(operatorsClientId) ? 'key' : 'entra'
  CREDENTIAL: credential
  CLIENT_SECRET_NAME: clientSecretName
  CLIENT_CERTIFICATE_NAME: clientCertificateName
  SEAL_KEY_NAME: sealKeyName
  ENTRA_TENANT_ID: entraTenantId
  ENTRA_CLIENT_ID: entraClientId
  AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_ORGANIZATION_ID: organizationId
  DATAVERSE_APP_USER_ID: dataverseAppUserId
  EVENT_TIME_ZONE: eventTimeZone
  RETURN_PATH: returnPath
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-booking-sync-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-booking-sync-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-booking-sync-${token}'
    applicationInsightsName: 'appi-booking-sync-${token}'
    retentionDays: logRetentionDays
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'stbsync${token}'
    skuName: storageSku
    queueName: bookingQueueName
    queueLogs: queueLogs
    workspaceId: monitoring.outputs.workspaceId
    location: location
    tags: tags
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  scope: group
  params: {
    name: 'kv-bsync-${token}'
    workspaceId: monitoring.outputs.workspaceId
    location: location
    tags: tags
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    appPrincipalId: identity.outputs.principalId
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
    operatorMakesCertificates: credential == 'certificate'
    storageAccountName: storage.outputs.name
    keyVaultName: keyVault.outputs.name
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  // Without its roles the app could read neither its own package nor its queue, and would wait at its first start.
  dependsOn: [roles]
  params: {
    name: 'func-booking-sync-${token}'
    planName: 'plan-booking-sync-${token}'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    packageContainerName: storage.outputs.packageContainerName
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    traceSampler: traceSampler
    settings: union(extraSettings, bookingSyncSettings)
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    perInstanceConcurrency: perInstanceConcurrency
    restrictAccess: restrictAccess
    dataverseServiceTags: dataverseServiceTags
    operatorAddresses: operatorAddresses
    operatorsClientId: operatorsClientId
    operatorsTenantId: entraTenantId
    alwaysReadyInstances: alwaysReadyInstances
    location: location
    tags: tags
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    location: location
    tags: tags
  }
}

module alerts 'modules/alerts.bicep' = if (!empty(alertEmail)) {
  name: 'alerts'
  scope: group
  params: {
    email: alertEmail
    applicationInsightsId: monitoring.outputs.applicationInsightsId
    location: location
    tags: tags
  }
}

// azd keeps these in the environment (`azd env get-values`); `az deployment sub show` prints them too. No secrets:
// they would stay readable in the deployment's history.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functionApp.outputs.name
output WEBHOOK_URL string = '${functionApp.outputs.url}/api/dataverse/bookings'
output OPERATIONS_URL string = '${functionApp.outputs.url}/api/operations'
output KEY_VAULT_NAME string = keyVault.outputs.name
output KEY_VAULT_URL string = keyVault.outputs.url
output STORAGE_QUEUE_URL string = storage.outputs.queueEndpoint
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output APPLICATION_INSIGHTS_NAME string = monitoring.outputs.applicationInsightsName
