namespace Microsoft.ML.Data;

public sealed class KeyCount
{
    public readonly ulong? Count;

    public KeyCount()
    {
    }

    public KeyCount(ulong count) => Count = count;
}
