package validate

// lenient are fields that published schemas demand of some kinds, and that API
// servers take as empty, zero or all where they are missing. The agreement test
// of the command holds it against a real API server.
var lenient = map[string]bool{
	"endpoints":   true, // EndpointSlice
	"limits":      true, // LimitRange
	"podSelector": true, // NetworkPolicy: all Pods
	"revision":    true, // ControllerRevision
	"rules":       true, // Role
	"seconds":     true, // of a hook that sleeps
	"value":       true, // PriorityClass
}
