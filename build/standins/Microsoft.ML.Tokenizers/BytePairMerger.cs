namespace Microsoft.ML.Tokenizers;

/// <summary>Applies merges to one piece, lowest rank first and leftmost among equals, in O(n log n).</summary>
internal sealed class BytePairMerger
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];

    public void Add(int left, int right, int merged) => _merges.Add((left, right), (_merges.Count, merged));

    /// <summary>Merges in place; lengths hold how many units each symbol covers.</summary>
    public void Merge(List<int> ids, List<int> lengths)
    {
        var queue = new PriorityQueue<int, (int Rank, int Position)>();
        var next = new int[ids.Count];
        var previous = new int[ids.Count];
        for (var i = 0; i < ids.Count; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < ids.Count ? i + 1 : -1;
        }

        for (var i = 0; i + 1 < ids.Count; i++)
            Enqueue(i);

        while (queue.TryDequeue(out var position, out var priority))
        {
            // An entry is stale when either side has been merged away since; the pair's rank tells.
            if (lengths[position] == 0 || next[position] < 0)
                continue;
            var right = next[position];
            if (!_merges.TryGetValue((ids[position], ids[right]), out var merge) || merge.Rank != priority.Rank)
                continue;

            ids[position] = merge.Id;
            lengths[position] += lengths[right];
            lengths[right] = 0;
            next[position] = next[right];
            if (next[position] >= 0)
                previous[next[position]] = position;
            if (previous[position] >= 0)
                Enqueue(previous[position]);
            Enqueue(position);
        }

        var kept = 0;
        for (var i = 0; i < ids.Count; i++)
            if (lengths[i] > 0)
                (ids[kept], lengths[kept++]) = (ids[i], lengths[i]);
        ids.RemoveRange(kept, ids.Count - kept);
        lengths.RemoveRange(kept, lengths.Count - kept);

        void Enqueue(int position)
        {
            if (next[position] >= 0 && _merges.TryGetValue((ids[position], ids[next[position]]), out var merge))
                queue.Enqueue(position, (merge.Rank, position));
        }
    }
}
