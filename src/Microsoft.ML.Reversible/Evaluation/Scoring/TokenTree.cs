namespace Microsoft.ML.Reversible.Evaluation;

/// <summary>
/// Token sequences that begin alike, in one row of a batch: a beginning that several share stands there once. A token attends to those on
/// its way from the first one alone, and has the position that it has in its sequence, so that each sequence gets what it would get by
/// itself.
/// </summary>
internal sealed class TokenTree
{
    private readonly List<int> _ids = [];
    private readonly List<int> _parents = [];
    private readonly List<int> _positions = [];
    private readonly List<int> _path = [];

    /// <summary>One token that is predicted.</summary>
    /// <param name="Sequence">The sequence that counts it, by the number that it was added with.</param>
    /// <param name="Slot">The place in the row of the token that it is predicted from.</param>
    /// <param name="Target">The token.</param>
    internal readonly record struct Prediction(int Sequence, int Slot, int Target);

    /// <summary>Number of tokens in the row.</summary>
    public int Count => _ids.Count;

    /// <summary>The tokens.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>The place of each token in its sequences.</summary>
    public IReadOnlyList<int> Positions => _positions;

    /// <summary>What is predicted, sequence by sequence, token by token.</summary>
    public List<Prediction> Predictions { get; } = [];

    /// <summary>Number of sequences.</summary>
    public int SequenceCount { get; private set; }

    /// <summary>Whether some token does not follow the one beside it.</summary>
    public bool IsBranched { get; private set; }

    /// <summary>How many tokens a sequence shares with the one that was added last.</summary>
    public int Shared(ScoredTokens sequence)
    {
        int shared = 0, most = Math.Min(sequence.InputCount, _path.Count);
        while (shared < most && _ids[_path[shared]] == sequence.Ids[shared]) shared++;
        return shared;
    }

    /// <summary>
    /// Adds a sequence. They come in dictionary order, in which none shares more with an earlier one than with the one before it.
    /// </summary>
    public void Add(int number, ScoredTokens sequence)
    {
        int shared = Shared(sequence);
        _path.RemoveRange(shared, _path.Count - shared);
        for (int i = shared; i < sequence.InputCount; i++)
        {
            int parent = i == 0 ? -1 : _path[i - 1];
            IsBranched |= parent != _ids.Count - 1;
            _path.Add(_ids.Count);
            _ids.Add(sequence.Ids[i]);
            _parents.Add(parent);
            _positions.Add(i);
        }
        for (int i = sequence.InputCount - sequence.Scored; i < sequence.InputCount; i++)
            Predictions.Add(new(number, _path[i], sequence.Ids[i + 1]));
        SequenceCount++;
    }

    /// <summary>Marks what each token attends to; one of the padding behind the row attends to itself.</summary>
    /// <param name="mask">Of shape [padded, padded], all false.</param>
    /// <param name="padded">The row's length with padding.</param>
    public void Mark(Span<bool> mask, int padded)
    {
        for (int slot = 0; slot < padded; slot++)
        {
            if (slot < Count && _parents[slot] >= 0)
                mask.Slice(_parents[slot] * padded, slot).CopyTo(mask[(slot * padded)..]);
            mask[slot * padded + slot] = true;
        }
    }
}
