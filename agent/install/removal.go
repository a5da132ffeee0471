package install

import "slices"

// Removal are the objects to delete for an installation to be gone, by name only, in an
// order in which they can be deleted one after the other: first what runs, last the
// rights by which it runs. The definitions and the Namespace are not among them, for all
// Applications go with either.
func Removal(o Options) ([]Object, error) {
	objects, err := Objects(o)
	if err != nil {
		return nil, err
	}
	var all []Object
	for _, object := range slices.Backward(objects) {
		if object["kind"] == "Namespace" {
			continue
		}
		meta := map[string]any{"name": object.key()}
		if namespace := object.namespaceOf(); namespace != "" {
			meta["namespace"] = namespace
		}
		all = append(all, Object{"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": meta})
	}
	runs := slices.IndexFunc(all, func(o Object) bool { return o["kind"] == "Deployment" })
	return slices.Concat(all[runs:runs+1], all[:runs], all[runs+1:]), nil
}
