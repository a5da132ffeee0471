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
	"secretRef":   true, // ScaleIO
	"value":       true, // PriorityClass, header, sysctl
	// and that are empty of themselves
	"reclaimPolicy": true,
}

// hollow are schemas of fields that may be missing though they are demanded.
var hollow = map[string]bool{
	"io.k8s.api.storage.v1.CSIDriverSpec": true,
	"io.k8s.api.core.v1.NodeSelectorTerm": true,
}
