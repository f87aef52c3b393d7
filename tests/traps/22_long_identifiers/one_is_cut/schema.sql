CREATE TABLE things (id integer PRIMARY KEY, the_name_of_a_column_that_goes_on_and_on_until_nobody_reads_it_to_the_end integer, b integer);
