namespace Microsoft.ML.Reversible.Data;

/// <summary>Tells a file that could not be read, by the source of the rows, from one that could not be written.</summary>
internal sealed class TokenCacheSourceFailure(Exception inner) : Exception(inner.Message, inner)
{
    /// <summary>The rows; what goes wrong in reading them comes inside a <see cref="TokenCacheSourceFailure"/>.</summary>
    public static IEnumerable<TRow> Marked<TRow>(IEnumerable<TRow> rows)
    {
        using IEnumerator<TRow> row = rows.GetEnumerator();
        while (true)
        {
            try
            {
                if (!row.MoveNext()) yield break;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new TokenCacheSourceFailure(e);
            }
            yield return row.Current;
        }
    }
}
