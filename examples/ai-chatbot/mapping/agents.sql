-- One row for every agent that is not deleted (crossfade.toml discards those). `infinity` meant: for ever.
-- The column holds infinite dates, so it arrives as the text that the server prints.
SELECT uuid_of(a.id)                                                     AS id,
       a.id                                                              AS legacy_id,
       a.owner_id                                                        AS owner_id,
       a.name                                                            AS name,
       coalesce(a.system_prompt, '')                                     AS instructions,
       coalesce(a.config ->> 'model', 'gpt-4o-mini')                     AS model,
       coalesce(a.config, '{}')                                          AS settings,
       CASE WHEN a.available_until <> 'infinity'
            THEN CAST(a.available_until AS TIMESTAMPTZ) END              AS available_until,
       a.created_at                                                      AS created_at
FROM   agents AS a
