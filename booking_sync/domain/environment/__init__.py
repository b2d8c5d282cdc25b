"""What a Dataverse environment must have for the product.

columns         our columns on bookings and resources, whose names a deployment may choose
watched         the tables and columns that webhooks tell us of
rights          what the application user may do, and no more
"""
