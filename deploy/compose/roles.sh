#!/bin/sh
# Run once by the image of PostgreSQL: the owner of the database, and the role of the processes, which owns nothing.
set -eu
psql --quiet --set ON_ERROR_STOP=1 --username postgres --dbname postgres <<'SQL'
\getenv owner DATABASE_OWNER_PASSWORD
\getenv runtime DATABASE_PASSWORD
CREATE ROLE message_center LOGIN PASSWORD :'owner';
CREATE ROLE message_center_runtime LOGIN PASSWORD :'runtime';
CREATE DATABASE message_center OWNER message_center;
SQL
