// Package helm is the built-in renderer of Helm charts: what `helm template`
// gives, from the commit's tree, without a cluster and without the network.
//
// Start with [Plugin]. It runs helm's own library over charts that are read
// through the host ([loading]), with values put together as Argo CD does with
// flags of the command ([inputs]).
//
// # Where it goes beyond the command
//
//   - Order: parameters take effect in the order of their list, first those
//     without forceString, then those with it (as helm does with its flags),
//     then fileParameters. Argo CD's order is that of a Go map.
//   - `keys` and `values` give sorted lists. Helm's are in random order.
//   - Functions that give something else each time (randAlphaNum, genCA, now,
//     ...) work as they do in helm. If the manifests depend on them, a warning
//     names the object, the function and the line: such an object is never in
//     sync for long. The way out is a value, or `lookup` of what is there.
//   - `lookup` finds nothing unless the Application allows it (annotation
//     tidelock.io/lookup); a warning says so. `getHostByName` gives "".
//   - Dependencies that are not in charts/ are fetched by the host, by the
//     versions of Chart.lock as far as it fits Chart.yaml. Those of a dependency
//     are not, as with `helm dependency build`; a warning names them.
//   - Hooks are objects like others, with their annotations, after the rest.
//   - Schemas must not refer to other files or servers.
package helm
