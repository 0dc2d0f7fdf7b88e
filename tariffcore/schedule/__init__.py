"""What a tariff schedule is: its model, reading and checking a folder, the catalog of editions."""
