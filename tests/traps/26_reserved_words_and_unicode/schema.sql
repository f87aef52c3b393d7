CREATE TABLE "order" (id integer PRIMARY KEY, "select" text, "Group" text, "größe" text, "größe" text, "user" text, "a b" text, "日本" text, "q""q" text, "100%" text);
