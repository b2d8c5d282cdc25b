"""What Dynamics 365 tells, from the HTTP body to the change queue.

dynamics_webhook  what a body says
receiver        reads it, queues the change, answers
announce        joins the announcements of one row
"""
