namespace Microsoft.ML.Reversible;

/// <summary>How training windows are cut at the end of a document, which is a row of the data.</summary>
public enum DocumentBoundaries
{
    /// <summary>
    /// A window continues with the next document after the end-of-text token. Every window is full, so no time is spent on padding. The
    /// network sees the end of one document before the beginning of the next.
    /// </summary>
    PackOver,

    /// <summary>
    /// A window ends with its document. The rest of a document's last window is padding, which is not learned from and takes as much time
    /// as tokens do. The network never sees two documents at once.
    /// </summary>
    Respect,
}
