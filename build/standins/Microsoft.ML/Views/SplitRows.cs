namespace Microsoft.ML.Data;

/// <summary>Gives every row a fraction in [0, 1), the same for every cursor, and keeps the rows whose fraction is wanted.</summary>
internal static class SplitRows
{
    public static IDataView View(IDataView data, DataViewSchema.Column? key, int seed, Func<double, bool> wanted)
    {
        if (key is not { } column)
        {
            return new FilteredView(data, [], _ =>
            {
                var random = new Random(seed);
                return () => wanted(random.NextDouble());
            });
        }
        return new FilteredView(data, [column], row =>
        {
            var value = Getters.Boxed(row, column);
            return () => wanted(Fraction(value().ToString(), seed));
        });
    }

    // Equal keys must fall on one side, in every process: string.GetHashCode would not do.
    private static double Fraction(string text, int seed)
    {
        var id = new DataViewRowId((ulong)(uint)seed, (ulong)text.Length);
        foreach (var letter in text)
            id = id.Combine(new DataViewRowId(letter, 0));
        return (id.Low >> 11) * (1.0 / (1UL << 53));
    }
}
