SELECT o._id AS id,
       CASE WHEN bson_type(o.customer) = 'object' AND o.customer."$ref" = 'customers' AND COALESCE(o.customer."$db", 'shop') = 'shop'
            THEN uuid_of(o.customer."$id")
            ELSE uuid_of(oid_of(o.customer)) END                                 AS customer_id,
       o.owner.type                                                              AS owner_type,
       CASE WHEN o.owner.type = 'Customer' THEN uuid_of(oid_of(o.owner.id)) END  AS owner_customer,
       CASE WHEN o.owner.type = 'Shop' THEN as_int(o.owner.id) END               AS owner_shop
FROM   orders AS o
