CREATE TABLE rows (id inet PRIMARY KEY, span interval, days daterange, mac macaddr, six inet, box box);
