"""Makes the pictures in docs/images/pictures: `make pictures`.

    stage    a local stack with a day's bookings, and what went wrong for some of them
    camera   takes pictures of pages with the system's Chromium, in light and dark

Pictures show made-up people. They differ a little from run to run, by times and ids.
"""
