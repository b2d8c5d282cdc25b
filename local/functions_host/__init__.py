"""A small Azure Functions host, for machines where the Core Tools (`func`) aren't installed.

It runs the same `function_app.py` with the same trigger semantics: routes and keys, the storage-queue
trigger's batches, retries and poison queue, timers. One process holds both the host and the Python worker,
which in Azure are two; so a blocking call in an `async def` function stalls the host's polling as well.

Where documentation is silent, it does what the real parts were seen to do: WebJobs 3.0.48,
Extensions.Storage.Queues 5.3.10, NCrontab.Signed 3.4.0, and for timers Extensions 3.0.6.
"""
