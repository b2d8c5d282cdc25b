"""What contributors and the workflows run beside the product and its tests; nothing here is published."""
