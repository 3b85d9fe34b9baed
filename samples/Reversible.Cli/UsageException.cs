namespace Microsoft.ML.Reversible.Cli;

/// <summary>Thrown when the input or an option is wrong; the message says in one line what is wrong.</summary>
internal sealed class UsageException(string message, Exception? inner = null) : Exception(message, inner);
