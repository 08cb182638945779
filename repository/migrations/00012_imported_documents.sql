-- Which documents came from another system, and which of its documents each one is: written in the
-- transaction of the document, so that an import that runs again stores none twice.

-- +goose Up
SET LOCAL lock_timeout = '5s';
CREATE TABLE imported_documents (
    source      text   NOT NULL, -- the name of the system
    source_id   text   NOT NULL, -- of the document in that system
    document_id bigint NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    digest      bytea  NOT NULL, -- SHA-256 of what the system says of the document: another one is a change
    CONSTRAINT imported_documents_pkey PRIMARY KEY (source, source_id),
    CONSTRAINT imported_documents_document_id_key UNIQUE (document_id)
);

-- +goose Down
DROP TABLE imported_documents;
