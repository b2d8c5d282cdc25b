// Every permission in Azure, in one place, each on the one resource that it is for. What the app may do in Exchange
// and in Dataverse is told in docs/deployment.md.
param appPrincipalId string
param operatorPrincipalId string
param operatorPrincipalType string
param operatorMakesCertificates bool
param storageAccountName string
param keyVaultName string
param applicationInsightsName string

// Ids of built-in roles, the same in every tenant.
var roleIds = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
  'Key Vault Secrets Officer': 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  'Key Vault Certificates Officer': 'a4417e6f-fecd-4de8-b567-7b0420556985'
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
}

resource storageAccount 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: storageAccountName
}

resource keyVault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: keyVaultName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

// The host keeps its function keys and the locks of timers in blobs, and reads the app's package there. It leases
// blobs and makes its own containers, for which Azure Functions asks for Owner rather than Contributor.
resource appBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storageAccount.id, appPrincipalId, roleIds['Storage Blob Data Owner'])
  scope: storageAccount
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Storage Blob Data Owner'])
  }
}

// The webhook adds messages, the worker puts them back, the host moves them to the poison queue and makes it.
resource appQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storageAccount.id, appPrincipalId, roleIds['Storage Queue Data Contributor'])
  scope: storageAccount
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Storage Queue Data Contributor'])
  }
}

// The app reads the client secret; it can't list, change or delete secrets.
resource appSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(keyVault.id, appPrincipalId, roleIds['Key Vault Secrets User'])
  scope: keyVault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Key Vault Secrets User'])
  }
}

// Sends telemetry, logs and traces included, whatever the role's name says.
resource appTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, appPrincipalId, roleIds['Monitoring Metrics Publisher'])
  scope: applicationInsights
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Monitoring Metrics Publisher'])
  }
}

// The operator stores and rotates the client secret.
resource operatorSecret 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(keyVault.id, operatorPrincipalId, roleIds['Key Vault Secrets Officer'])
  scope: keyVault
  properties: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Key Vault Secrets Officer'])
  }
}

// The operator makes and renews the client certificate, where the app signs in with one. (The app reads it as a secret.)
resource operatorCertificate 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (operatorMakesCertificates && !empty(operatorPrincipalId)) {
  name: guid(keyVault.id, operatorPrincipalId, roleIds['Key Vault Certificates Officer'])
  scope: keyVault
  properties: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Key Vault Certificates Officer'])
  }
}

// The operator's command line fills the queue (backfill, resync) and reads and replays the poison queue.
resource operatorQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(storageAccount.id, operatorPrincipalId, roleIds['Storage Queue Data Contributor'])
  scope: storageAccount
  properties: {
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds['Storage Queue Data Contributor'])
  }
}
