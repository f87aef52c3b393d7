-- Hack The World's four tables, with their primary keys alone: whoever is measured loads the same rows.
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL,
    email TEXT NOT NULL,
    password TEXT NOT NULL,
    role TEXT NOT NULL,
    current_streak INTEGER NOT NULL,
    longest_streak INTEGER NOT NULL,
    last_active_at TIMESTAMPTZ,
    admin_status TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE TABLE profiles (
    user_id TEXT PRIMARY KEY,
    first_name TEXT,
    last_name TEXT,
    avatar TEXT,
    bio TEXT,
    location TEXT,
    website TEXT,
    experience_level TEXT NOT NULL
);
CREATE TABLE user_stats (
    user_id TEXT PRIMARY KEY,
    total_points INTEGER NOT NULL,
    level INTEGER NOT NULL,
    courses_completed INTEGER NOT NULL,
    labs_completed INTEGER NOT NULL,
    games_completed INTEGER NOT NULL,
    achievements_earned INTEGER NOT NULL,
    average_score DOUBLE PRECISION
);
CREATE TABLE user_security (
    user_id TEXT PRIMARY KEY,
    email_verified BOOLEAN NOT NULL,
    two_factor_enabled BOOLEAN NOT NULL,
    two_factor_secret TEXT,
    password_changed_at TIMESTAMPTZ,
    login_attempts INTEGER NOT NULL,
    lock_until TIMESTAMPTZ
);
