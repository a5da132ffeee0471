package shadow

import (
	"slices"

	"github.com/tidelock-io/tidelock/agent/api"
)

// refuses says that an agent does not work on an Application because of its spec: its
// project is not there, or does not permit it, or something in it is wrong. Argo CD says
// that by a condition, and notes neither when it has looked nor at what; what it has said
// of objects before stays as it was.
func refuses(s *api.ApplicationStatus) bool {
	return s.Sync.Status == api.SyncCodeUnknown && slices.ContainsFunc(s.Conditions, func(c api.Condition) bool {
		return c.Type == api.ConditionInvalidSpecError || c.Type == api.ConditionUnknownError
	})
}

// refused says that either of the two does not work on the Application.
func (c *comparison) refused() bool { return refuses(&c.app.Status) || refuses(&c.found.Status) }

// disputed says that one of them does, and the other not, which may be that the one has
// not heard yet of what the other has.
func (c *comparison) disputed() bool { return refuses(&c.app.Status) != refuses(&c.found.Status) }

// blind says that neither can compare the Application, of whose objects Argo CD says so one
// by one.
func (c *comparison) blind() bool {
	return c.result.Ours.Sync == api.SyncCodeUnknown && c.result.Theirs.Sync == api.SyncCodeUnknown
}
