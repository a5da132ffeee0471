// Package sealed opens SealedSecrets: it turns one into the Secret that the
// sealed-secrets controller would have made, with that project's own code and
// keys.
//
// Start with [Open]. The keys come from [ParseKeys]; [Seal] is the opposite
// direction, for tests and demonstrations. A SealedSecret may carry templates;
// what runs them is [Templates], in the agent a process of its own, because
// whoever may write to the repository wrote them.
package sealed
