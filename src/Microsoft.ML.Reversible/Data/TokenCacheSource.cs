using System.Globalization;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Rows that a token cache is made of, and what makes tokens of them.</summary>
/// <typeparam name="TRow">What a row is.</typeparam>
internal abstract class TokenCacheSource<TRow>(IEnumerable<TRow> rows, int vocabularySize, string tokenizerHash)
{
    /// <summary>The rows; read twice at most, one after the other.</summary>
    public IEnumerable<TRow> Rows => rows;

    /// <summary>Number of ids, which run from 0.</summary>
    public int VocabularySize => vocabularySize;

    /// <summary>Names the tokenizer.</summary>
    public string TokenizerHash => tokenizerHash;

    /// <summary>Characters or ids in a row; rows that have none are left out.</summary>
    public abstract int Length(TRow row);

    /// <summary>The ids of a row that is not empty, with its end-of-text; called from several threads at once.</summary>
    public abstract int[] Encode(TRow row);

    /// <summary>Adds a row to the source's hash.</summary>
    /// <returns>The row's bytes, as <see cref="TokenizationProgress.Bytes"/> counts them.</returns>
    public abstract long AddTo(TokenCacheHash hash, TRow row);

    /// <summary>What to throw where every row is empty.</summary>
    public abstract InvalidOperationException NoRows();
}

/// <summary>Rows of text.</summary>
internal sealed class TextSource(IEnumerable<string> rows, LanguageModelTokenizer tokenizer, int? endOfTextId = null)
    : TokenCacheSource<string>(
        rows, tokenizer.VocabularySize, endOfTextId is null ? tokenizer.Hash : $"{tokenizer.Hash}, end-of-text {endOfTextId}")
{
    /// <inheritdoc/>
    public override int Length(string row) => row.Length;

    /// <inheritdoc/>
    public override int[] Encode(string row) => TokenPacker.Pack(row, tokenizer, endOfTextId);

    /// <inheritdoc/>
    public override long AddTo(TokenCacheHash hash, string row) => hash.Add(row);

    /// <inheritdoc/>
    public override InvalidOperationException NoRows() => Vocabulary.NoText();
}

/// <summary>Rows of ids.</summary>
internal sealed class IdSource(IEnumerable<int[]> rows, int vocabularySize, int? endOfTextId)
    : TokenCacheSource<int[]>(rows, vocabularySize, $"ids, end-of-text {endOfTextId?.ToString(CultureInfo.InvariantCulture) ?? "none"}")
{
    /// <inheritdoc/>
    public override int Length(int[] row) => row.Length;

    /// <inheritdoc/>
    public override int[] Encode(int[] row) => TokenPacker.Pack(row, endOfTextId);

    /// <inheritdoc/>
    public override long AddTo(TokenCacheHash hash, int[] row) => hash.Add(row);

    /// <inheritdoc/>
    public override InvalidOperationException NoRows() =>
        new("The training data has no rows with tokens. Give at least one row that is not empty.");
}
