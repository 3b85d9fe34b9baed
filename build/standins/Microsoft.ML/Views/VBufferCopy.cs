namespace Microsoft.ML.Data;

/// <summary>Makes a getter that hands out a kept vector copy it, since the caller may write into what it got.</summary>
internal static class VBufferCopy
{
    public static ValueGetter<TValue> From<TValue>(ValueGetter<TValue> kept)
    {
        if (!typeof(TValue).IsGenericType || typeof(TValue).GetGenericTypeDefinition() != typeof(VBuffer<>))
            return kept;
        return (ValueGetter<TValue>)TypeMap.Call(typeof(VBufferCopy), nameof(Copying), typeof(TValue).GetGenericArguments(), kept);
    }

    private static ValueGetter<VBuffer<TItem>> Copying<TItem>(ValueGetter<VBuffer<TItem>> kept) => (ref VBuffer<TItem> value) =>
    {
        VBuffer<TItem> own = default;
        kept(ref own);
        own.CopyTo(ref value);
    };
}
