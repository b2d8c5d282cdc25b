// The function app on Flex Consumption, with its settings: the platform's here, booking_sync's handed in.
param name string
param planName string
param identityId string
param identityClientId string
param blobEndpoint string
param queueEndpoint string
param packageContainerName string
param applicationInsightsConnectionString string
param traceSampler string
param settings { *: string }
param instanceMemoryMB int
param maximumInstanceCount int
param perInstanceConcurrency int
param alwaysReadyInstances int
param restrictAccess bool
param dataverseServiceTags string[]
param operatorAddresses string[]
param operatorsClientId string
param operatorsTenantId string
param location string
param tags { *: string }

// Flex Consumption takes the runtime from functionAppConfig: FUNCTIONS_WORKER_RUNTIME, FUNCTIONS_EXTENSION_VERSION
// and the settings of other plans' builds must not be set.
var platformSettings = {
  // One style only, by service: the host then looks for no table, for which the app has no role.
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  // Which managed identity Azure's SDK takes, here for Key Vault.
  AZURE_CLIENT_ID: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  // The worker starts OpenTelemetry by itself; host.json says the same to the host ("telemetryMode").
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
  // Log lines and metrics are never sampled.
  OTEL_TRACES_SAMPLER: traceSampler
  // The app has a span for each request of its own, with the services' request ids; a second one for each would cost
  // time and money and say less.
  OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,django,fastapi,flask,httpx,httpx2,psycopg2,requests,urllib,urllib3'
}

// Unrestricted, the site answers everybody, and asks for a key. Publishing goes to a site of its own (scm), which takes
// Entra tokens only and stays reachable.
var dataverseRules = [for (each, index) in dataverseServiceTags: {
  name: 'dataverse-${index + 1}'
  action: 'Allow'
  tag: 'ServiceTag'
  ipAddress: each
  priority: 100 + index
}]
var operatorRules = [for (each, index) in operatorAddresses: {
  name: 'operators-${index + 1}'
  action: 'Allow'
  tag: 'Default'
  ipAddress: each
  priority: 200 + index
}]

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true // Linux
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // Flex Consumption refuses many of the properties that other plans take (ARM error 51021), in new regions first;
    // tests/infra/test_flex.py lists them. No compiler knows them: what is not needed is not set.
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictions: restrictAccess ? concat(dataverseRules, operatorRules) : []
      ipSecurityRestrictionsDefaultAction: restrictAccess ? 'Deny' : 'Allow'
    }
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReadyInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
          {
            name: 'function:sync_booking_change'
            instanceCount: alwaysReadyInstances
          }
        ]
        triggers: {
          http: {
            perInstanceConcurrency: perInstanceConcurrency
          }
        }
      }
    }
  }
}

// Where Graph reports changes in Outlook, unless extraSettings names another way to the app. Read while RETURN_PATH is on.
var addresses = {
  NOTIFICATION_URL: 'https://${app.properties.defaultHostName}/api/outlook/notifications'
}

// Replaces all app settings: what was set by hand in the portal is gone after a deployment.
resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(addresses, settings, platformSettings)
}

// The platform signs operators in, and tells the app who they are. The probe and what services call stay as they are: the first
// tells one word, the webhook has a key of its own, and what Graph reports proves itself. No secret: sign-in takes an ID token only, and nothing is kept.
resource operatorsSignIn 'Microsoft.Web/sites/config@2025-03-01' = if (!empty(operatorsClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: [
        '/api/health'
        '/api/dataverse/bookings'
        '/api/outlook/notifications'
      ]
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: operatorsClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${operatorsTenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            operatorsClientId
            'api://${operatorsClientId}'
          ]
          defaultAuthorizationPolicy: {
            allowedApplications: [
              operatorsClientId
            ]
          }
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
    httpSettings: {
      requireHttps: true
    }
  }
}

// Publishing takes an Entra token; user names and passwords are refused.
// One resource each: the name decides the type, so in a loop the compiler can't check it (BCP225).
resource noBasicPublishing 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
