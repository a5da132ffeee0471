// Package references follows what objects say of each other: the Secrets, keys
// and ServiceAccounts of pods, the Services of Ingresses, what selectors select.
// It tells what is referred to and made by nothing.
//
// Start with [Check]. It sees all parts of a repository at once, for an object may
// refer to one of another Application that goes to the same namespace. Much is made
// at run time, by controllers, by hand, by other repositories: [Part] says what is
// not seen, makers.go what stands for objects that are not rendered, controllers.go
// and grants.go what may make others, and excuse.go where silence is better. Only
// names and keys of Secrets are looked at.
package references
