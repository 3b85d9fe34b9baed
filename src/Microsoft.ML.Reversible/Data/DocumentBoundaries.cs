namespace Microsoft.ML.Reversible;

/// <summary>What a training window does where a document, which is a row of the data, ends.</summary>
public enum DocumentBoundaries
{
    /// <summary>
    /// It goes on with the next document after the end-of-text token. Every window is full, so nothing is computed in vain; the network
    /// sees the end of one document before the beginning of the next.
    /// </summary>
    PackOver,

    /// <summary>
    /// It ends. Each document is cut into windows of its own and the rest of its last window is padding, which is not learned from and
    /// costs as much time as tokens do. The network never sees two documents at once.
    /// </summary>
    Respect,
}
