using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Checkpoints;

/// <summary>The ids that a config.json names. They describe how a model was trained, so they are kept and written again.</summary>
/// <param name="BeginOfText">What a text begins with; null where none is named.</param>
/// <param name="EndOfText">What ends a text; several ids where a model knows several ends, none where none is named.</param>
internal sealed record SpecialTokens(int? BeginOfText, IReadOnlyList<int> EndOfText)
{
    /// <summary>
    /// What ends a generated text, from generation_config.json; null where that names nothing and <see cref="EndOfText"/> applies. Chat
    /// models name the end of a turn there.
    /// </summary>
    public IReadOnlyList<int>? EndOfGeneration { get; init; }

    /// <summary>
    /// Returns the ids for a tokenizer whose files name none. Small models often name ids of the large model that they were derived from.
    /// </summary>
    public SpecialIds Within(int vocabularySize)
    {
        int[] ends = [.. EndOfText.Where(IsWithin)];
        return new(ends.Length > 0 ? ends[0] : null, BeginOfText is { } begin && IsWithin(begin) ? begin : null);

        bool IsWithin(int id) => (uint)id < (uint)vocabularySize;
    }
}
