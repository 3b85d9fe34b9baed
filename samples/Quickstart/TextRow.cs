namespace Quickstart;

/// <summary>A row of text.</summary>
internal sealed class TextRow
{
    public string Text { get; set; } = "";
}

/// <summary>What the model adds to a row.</summary>
internal sealed class ScoredRow
{
    public string Text { get; set; } = "";

    public float LogLikelihood { get; set; }

    public int TokenCount { get; set; }

    public float Perplexity { get; set; }
}
