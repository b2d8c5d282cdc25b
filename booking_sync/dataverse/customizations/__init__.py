"""The ports of `provision` on Dataverse: what it reads and changes by the Web API.

    environment   the port: reads, then carries out
    reads         solution, columns, webhook and steps as they are
    dispatcher    the same for the view and the forms that dispatchers see
    app_users     the application user and its security role: read and written
    writes        one method for each action
    rows          lists of rows, complete or not at all
    bodies        what is sent, as JSON; pure
    form_xml      a section in a form's definition: found, put in, taken out; pure
    view_xml      a view's query and its columns; pure
    safe_xml      XML with the place of each element in the text
    webhook_key   whether a webhook has the key that we were given

Shapes are those of Microsoft's "Web API reference" and "Create and update column definitions". Navigation
properties of these tables are all lower case. Rows are created with ids of ours, so that a creation that is
repeated after an uncertain answer is refused instead of made twice.
"""
