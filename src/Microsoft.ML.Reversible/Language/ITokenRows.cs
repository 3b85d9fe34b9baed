using Microsoft.ML.Data;

namespace Microsoft.ML.Reversible.Language;

/// <summary>Reads the tokens that a model scores from columns other than one of text or token ids.</summary>
internal interface ITokenRows
{
    /// <summary>The names of the columns.</summary>
    IReadOnlyList<string> ColumnNames { get; }

    /// <summary>Checks that data has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    void Require(DataViewSchema schema);

    /// <summary>Checks that an estimator's input has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    void Require(SchemaShape schema);

    /// <summary>Starts reading the tokens of the current row.</summary>
    /// <param name="row">A row or cursor in which the columns are active.</param>
    /// <param name="model">The model, which has a tokenizer.</param>
    Func<ScoredRow> Start(DataViewRow row, LanguageModel model);

    /// <summary>Describes the columns and how they become tokens, for a zip.</summary>
    /// <param name="added">The columns that are added.</param>
    /// <exception cref="NotSupportedException">They cannot be described.</exception>
    string ToJson(ScoreColumns added);
}

/// <summary>The tokens of a row, the first of which is only an input.</summary>
/// <param name="Ids">The ids, at least one.</param>
/// <param name="Scored">Whether each is scored, of the same length; null if all but the first are.</param>
internal readonly record struct ScoredRow(int[] Ids, bool[]? Scored = null)
{
    /// <summary>The number of scored tokens.</summary>
    public int ScoredCount => Scored is null ? Ids.Length - 1 : Scored.AsSpan(1).Count(true);

    /// <summary>Returns whether a token other than the first is scored.</summary>
    public bool IsScored(int token) => Scored is null || Scored[token];
}
