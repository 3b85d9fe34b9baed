namespace Microsoft.ML.Tokenizers;

/// <summary>One encoded piece of text: its ids and where each ends, in units (bytes when byte-level, else UTF-16 units).</summary>
internal sealed class BpeWord(int[] ids, int[] ends, int[]? charIndex, int charLength)
{
    public int[] Ids => ids;

    public Range Offset(int token)
    {
        var (start, end) = (token == 0 ? 0 : ends[token - 1], ends[token]);
        return charIndex is null ? start..end : charIndex[start]..(charIndex[end - 1] + 1);
    }

    /// <summary>How many UTF-16 units the first so many tokens take.</summary>
    public int CharsOfFirst(int count) => count == ids.Length ? charLength : count == 0 ? 0 : CharAt(ends[count - 1]);

    /// <summary>Where the last so many tokens begin.</summary>
    public int StartOfLast(int count) => count == ids.Length ? 0 : CharAt(ends[ids.Length - count - 1]);

    private int CharAt(int unit) => charIndex is null ? unit : unit < charIndex.Length ? charIndex[unit] : charLength;
}
