"""One booking, looked at from all sides: its row, our record, its event, and what the worker would do.

Rooms: `reading` what the command line names, `facts` what was found, `look` how it is gathered (nothing is
written), `verdict` what it means, pure: by the audit's judgement and the worker's own plan, so that there is
no second truth.
"""
