// A page of charts in Application Insights. What its figures mean: docs/operations.md.
param applicationInsightsId string
param location string
param tags { *: string }

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(applicationInsightsId, 'booking_sync')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'booking_sync'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: applicationInsightsId
    serializedData: string(union(loadJsonContent('../workbook.json'), { fallbackResourceIds: [applicationInsightsId] }))
  }
}
