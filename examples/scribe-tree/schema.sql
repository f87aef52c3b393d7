-- Scribe Tree in PostgreSQL: sixteen tables. It is schema-as-planned.sql mended (marked "mended") and with three things
-- that were JSONB and deserve a table of their own (marked "split off"): learning objectives, milestones, AI interactions.

-- Users table with role-based access
CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    first_name VARCHAR(100) NOT NULL,
    last_name VARCHAR(100) NOT NULL,
    role VARCHAR(20) NOT NULL CHECK (role IN ('student', 'educator', 'admin')),
    profile_picture VARCHAR(500),
    bio TEXT,
    is_verified BOOLEAN DEFAULT false,
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

-- Courses with enrollment management
CREATE TABLE courses (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    title VARCHAR(255) NOT NULL,
    description TEXT,
    subject VARCHAR(100),
    instructor_id UUID REFERENCES users(id) ON DELETE RESTRICT,
    is_public BOOLEAN DEFAULT false,
    max_students INTEGER DEFAULT 30,
    start_date DATE,
    end_date DATE,
    settings JSONB DEFAULT '{}',
    status VARCHAR(20) DEFAULT 'planning',
    is_active BOOLEAN DEFAULT true,
    enrollment_code VARCHAR(20) UNIQUE,
    tags TEXT[],
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

-- Many-to-many enrollment table
CREATE TABLE course_enrollments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    course_id UUID REFERENCES courses(id) ON DELETE CASCADE,
    student_id UUID REFERENCES users(id) ON DELETE CASCADE,
    enrolled_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    status VARCHAR(20) DEFAULT 'active',
    UNIQUE(course_id, student_id)
);

-- Assignment templates for reusability
CREATE TABLE assignment_templates (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    title VARCHAR(255) NOT NULL,
    description TEXT,
    instructions TEXT NOT NULL,
    requirements JSONB NOT NULL DEFAULT '{}',
    writing_stages JSONB NOT NULL DEFAULT '[]',
    ai_settings JSONB NOT NULL DEFAULT '{}',
    grading_criteria JSONB DEFAULT '{}',
    instructor_id UUID REFERENCES users(id) ON DELETE SET NULL,
    is_public BOOLEAN DEFAULT false,
    usage_count INTEGER DEFAULT 0,
    tags TEXT[],
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

-- Course-specific assignments: those of a course alone, and those that bring a template into a course
CREATE TABLE assignments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    template_id UUID REFERENCES assignment_templates(id),
    course_id UUID REFERENCES courses(id) ON DELETE CASCADE,
    instructor_id UUID REFERENCES users(id) ON DELETE RESTRICT,
    title VARCHAR(255) NOT NULL,
    instructions TEXT NOT NULL,
    requirements JSONB NOT NULL,
    writing_stages JSONB NOT NULL,
    ai_settings JSONB NOT NULL,
    grading_criteria JSONB,
    due_date TIMESTAMPTZ,
    stage_due_dates JSONB,
    status VARCHAR(20) DEFAULT 'draft',
    type VARCHAR(20) DEFAULT 'individual',
    collaboration_settings JSONB DEFAULT '{}',
    version_control_settings JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

-- mended: a table's UNIQUE takes no WHERE; a partial unique index does.
CREATE UNIQUE INDEX assignments_template_course_key ON assignments(template_id, course_id)
    WHERE template_id IS NOT NULL;

-- split off: learning objectives of templates and of assignments that have no template; their weights are summed and reported on
CREATE TABLE learning_objectives (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    template_id UUID REFERENCES assignment_templates(id) ON DELETE CASCADE,
    assignment_id UUID REFERENCES assignments(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    description TEXT NOT NULL,
    blooms_level INTEGER CHECK (blooms_level BETWEEN 1 AND 6),
    category VARCHAR(50),
    weight NUMERIC(7, 4) NOT NULL,
    UNIQUE(template_id, position),
    UNIQUE(assignment_id, position),
    CHECK ((template_id IS NULL) <> (assignment_id IS NULL))
);

-- Student submissions
CREATE TABLE assignment_submissions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    assignment_id UUID REFERENCES assignments(id) ON DELETE CASCADE,
    author_id UUID REFERENCES users(id) ON DELETE RESTRICT,
    title VARCHAR(255),
    content TEXT,
    word_count INTEGER DEFAULT 0,
    status VARCHAR(20) DEFAULT 'not_started',
    submitted_at TIMESTAMPTZ,
    collaboration_settings JSONB DEFAULT '{}',
    analytics JSONB DEFAULT '{}',
    grade JSONB,
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(assignment_id, author_id)
);

-- Submission collaborators
CREATE TABLE submission_collaborators (
    submission_id UUID REFERENCES assignment_submissions(id) ON DELETE CASCADE,
    user_id UUID REFERENCES users(id) ON DELETE CASCADE,
    role VARCHAR(50) DEFAULT 'collaborator',
    joined_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY(submission_id, user_id)
);

-- split off: milestones, which educators filter by stage and date
CREATE TABLE submission_milestones (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    submission_id UUID NOT NULL REFERENCES assignment_submissions(id) ON DELETE CASCADE,
    title VARCHAR(255) NOT NULL,
    stage VARCHAR(50),
    word_count INTEGER,
    achieved_at TIMESTAMPTZ NOT NULL
);

-- split off: AI interactions, which are counted against the limits of each writing stage
CREATE TABLE ai_interactions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    submission_id UUID NOT NULL REFERENCES assignment_submissions(id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    occurred_at TIMESTAMPTZ NOT NULL,
    stage VARCHAR(50),
    type VARCHAR(20),
    prompt TEXT NOT NULL,
    student_response TEXT,
    reflection TEXT,
    UNIQUE(submission_id, position)
);

-- Documents for writing
CREATE TABLE documents (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    title VARCHAR(255) NOT NULL,
    content TEXT,
    course_id UUID REFERENCES courses(id) ON DELETE SET NULL,
    author_id UUID REFERENCES users(id) ON DELETE RESTRICT,
    assignment_id UUID REFERENCES assignments(id) ON DELETE SET NULL,
    submission_id UUID REFERENCES assignment_submissions(id) ON DELETE SET NULL,
    type VARCHAR(20) DEFAULT 'assignment',
    status VARCHAR(20) DEFAULT 'draft',
    settings JSONB DEFAULT '{}',
    metadata JSONB DEFAULT '{}',
    legacy JSONB, -- the remainder: fields that no column above takes up
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
) WITH (fillfactor = 80);

-- Document collaborators
CREATE TABLE document_collaborators (
    document_id UUID REFERENCES documents(id) ON DELETE CASCADE,
    user_id UUID REFERENCES users(id) ON DELETE CASCADE,
    permission VARCHAR(20) DEFAULT 'edit',
    joined_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY(document_id, user_id)
);

-- Version control for documents
CREATE TABLE document_versions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id UUID REFERENCES documents(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    title VARCHAR(255),
    content TEXT,
    author_id UUID REFERENCES users(id) ON DELETE SET NULL,
    changes JSONB DEFAULT '{}',
    metadata JSONB DEFAULT '{}',
    diff JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    UNIQUE(document_id, version)
) WITH (fillfactor = 80);

-- Writing sessions for analytics.
-- mended: the plan made writing_sessions_2024_q1 a partition of this table, which was not partitioned. Partitioning it by
-- start_time would put start_time into its primary key, and sessions without one nowhere; it waits until the table is large.
CREATE TABLE writing_sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    document_id UUID REFERENCES documents(id) ON DELETE CASCADE,
    user_id UUID REFERENCES users(id) ON DELETE SET NULL,
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ,
    duration INTEGER, -- in seconds
    activity JSONB DEFAULT '{}',
    snapshots JSONB DEFAULT '[]',
    productivity JSONB DEFAULT '{}',
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
) WITH (fillfactor = 80);

-- Comments on submissions
CREATE TABLE submission_comments (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    submission_id UUID REFERENCES assignment_submissions(id) ON DELETE CASCADE,
    author_id UUID REFERENCES users(id) ON DELETE SET NULL,
    parent_id UUID REFERENCES submission_comments(id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    type VARCHAR(20) DEFAULT 'general',
    highlighted_text TEXT,
    position JSONB,
    is_resolved BOOLEAN DEFAULT false,
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP
);

-- Notifications system
CREATE TABLE notifications (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    recipient_id UUID REFERENCES users(id) ON DELETE CASCADE,
    sender_id UUID REFERENCES users(id) ON DELETE SET NULL,
    type VARCHAR(50) NOT NULL,
    category VARCHAR(50) NOT NULL,
    priority VARCHAR(20) DEFAULT 'normal',
    title VARCHAR(255) NOT NULL,
    message TEXT,
    context JSONB DEFAULT '{}',
    intervention JSONB,
    related_metrics JSONB,
    status VARCHAR(20) DEFAULT 'unread',
    action_required BOOLEAN DEFAULT false,
    expires_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ DEFAULT CURRENT_TIMESTAMP,
    read_at TIMESTAMPTZ
);

-- Indexes for performance
CREATE INDEX idx_users_role ON users(role);
CREATE INDEX idx_courses_instructor ON courses(instructor_id);
CREATE INDEX idx_courses_active ON courses(is_active) WHERE is_active = true;
CREATE INDEX idx_courses_tags ON courses USING GIN(tags);
CREATE INDEX idx_assignments_course ON assignments(course_id);
CREATE INDEX idx_assignments_due ON assignments(due_date) WHERE status = 'published';
CREATE INDEX idx_submissions_assignment ON assignment_submissions(assignment_id);
CREATE INDEX idx_submissions_author ON assignment_submissions(author_id);
CREATE INDEX idx_milestones_submission ON submission_milestones(submission_id, achieved_at);
CREATE INDEX idx_ai_interactions_stage ON ai_interactions(submission_id, stage);
CREATE INDEX idx_documents_course_author ON documents(course_id, author_id);
CREATE INDEX idx_document_versions_document ON document_versions(document_id);
CREATE INDEX idx_writing_sessions_document ON writing_sessions(document_id);
CREATE INDEX idx_writing_sessions_user ON writing_sessions(user_id);
CREATE INDEX idx_notifications_recipient ON notifications(recipient_id, status);
CREATE INDEX idx_notifications_type ON notifications(type);

-- Full-text search.
-- mended: array_to_string may depend on settings (it is STABLE), and an index takes only what is IMMUTABLE. For text[] it
-- is immutable in truth, and this function says so.
CREATE FUNCTION tags_text(tags TEXT[]) RETURNS TEXT
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT array_to_string(tags, ' ') $$;

CREATE INDEX idx_assignment_templates_search ON assignment_templates
    USING GIN(to_tsvector('english', title || ' ' || COALESCE(description, '') || ' ' || COALESCE(tags_text(tags), '')));

-- Triggers for updated_at
CREATE OR REPLACE FUNCTION update_updated_at_column()
RETURNS TRIGGER AS $$
BEGIN
    NEW.updated_at = CURRENT_TIMESTAMP;
    RETURN NEW;
END;
$$ language 'plpgsql';

CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_courses_updated_at BEFORE UPDATE ON courses
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_assignment_templates_updated_at BEFORE UPDATE ON assignment_templates
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_assignments_updated_at BEFORE UPDATE ON assignments
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_assignment_submissions_updated_at BEFORE UPDATE ON assignment_submissions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_documents_updated_at BEFORE UPDATE ON documents
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_submission_comments_updated_at BEFORE UPDATE ON submission_comments
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
