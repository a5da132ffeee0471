package git

import "context"

// Requests to a server, as they are told of.
const (
	requestList  = "ls-remote"
	requestFetch = "fetch"
)

// told runs a request to a server, and tells of it (see Options.Asked).
func (s *Store) told(ctx context.Context, r *remote, request string, do func(context.Context) (any, error)) (any, error) {
	if s.options.Asked == nil {
		return do(ctx)
	}
	done := s.options.Asked(redact(r.repo.URL), request)
	v, err := do(ctx)
	done(err)
	return v, err
}
