"""Cases: the people protected, their sealed records, the officers named, and the states of a case."""
