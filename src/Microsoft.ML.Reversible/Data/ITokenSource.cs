namespace Microsoft.ML.Reversible.Data;

/// <summary>The tokens that a run trains on and is evaluated on, cut into windows.</summary>
internal interface ITokenSource
{
    /// <summary>The hash of the data.</summary>
    string SourceHash { get; }

    /// <summary>The hash of the tokenizer and of all else that decides the tokens of a text.</summary>
    string TokenizerHash { get; }

    /// <summary>A short description of the tokens, for the log.</summary>
    string Description { get; }

    /// <summary>Number of training windows in an epoch, at least 1; where they are shifted, an epoch may have one less.</summary>
    long WindowsPerEpoch { get; }

    /// <summary>
    /// Returns consecutive windows of an endless sequence, which goes through the training part in one shuffled epoch after the other. A
    /// window depends on the seed and its place in the sequence alone.
    /// </summary>
    /// <param name="firstWindow">The first window's place in the sequence, at least 0.</param>
    /// <param name="rows">How many windows to take, at least 1.</param>
    TokenBatch Training(long firstWindow, int rows);

    /// <summary>
    /// Returns the windows of the held-out part in order, in batches of at most <paramref name="rows"/>; none if nothing is held out.
    /// </summary>
    /// <param name="rows">The most windows in a batch.</param>
    /// <param name="most">The most windows in all.</param>
    IEnumerable<TokenBatch> HeldOut(int rows, long most = long.MaxValue);
}
