// The storage account: the queues, the app's package and the host's own blobs (keys, locks of timers). It has no
// shared keys: whoever comes needs a role (modules/roles.bicep).
param name string
param skuName string
param queueName string
param queueLogs ('StorageRead' | 'StorageWrite' | 'StorageDelete')[]
param workspaceId string
param location string
param tags { *: string }

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    supportsHttpsTrafficOnly: true
    minimumTlsVersion: 'TLS1_2'
    // The app has no virtual network; what guards the account is that nobody has a key.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      defaultAction: 'Allow'
      bypass: 'AzureServices'
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobService
  name: 'app-package'
  properties: { publicAccess: 'None' }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' = {
  parent: account
  name: 'default'
}

// The app would make both at its first message; made here, they can be watched and granted from the start.
resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' = [for each in [queueName, '${queueName}-poison']: {
  parent: queueService
  name: each
}]

// Who put, read or deleted a message: by the table StorageQueueLogs, with the Entra id of who asked. Whoever may write
// to the queue can have any booking looked at; who does is to be known.
#disable-next-line use-recent-api-versions
resource queueAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    logs: [for each in queueLogs: {
      category: each
      enabled: true
    }]
  }
}

// The app's package and the host's keys are blobs: who changes them is logged, who reads them is not (the host does so
// all the time).
#disable-next-line use-recent-api-versions
resource blobAudit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: blobService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output name string = account.name
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output packageContainerName string = packageContainer.name
