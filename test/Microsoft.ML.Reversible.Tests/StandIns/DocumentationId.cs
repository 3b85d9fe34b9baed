namespace Microsoft.ML.Reversible.Tests.StandIns;

/// <summary>Writes types the way documentation comments name them.</summary>
internal static class DocumentationId
{
    /// <summary>A type as its own declaration is named: type parameters are counted, as in <c>List`1</c>.</summary>
    public static string OfDefinition(Type type) => (type.FullName ?? type.Name).Replace('+', '.');

    /// <summary>A type as a signature uses it: type arguments are written out, as in <c>List{System.Int32}</c>.</summary>
    public static string Of(Type type)
    {
        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "`" : "``") + type.GenericParameterPosition;
        }

        if (type.HasElementType)
        {
            var suffix = type.IsByRef ? "@" : type.IsPointer ? "*" : $"[{new string(',', type.GetArrayRank() - 1)}]";
            return Of(type.GetElementType()!) + suffix;
        }

        return type.IsGenericType ? OfGeneric(type) : OfDefinition(type);
    }

    private static string OfGeneric(Type type)
    {
        // The arguments of an outer type come first in the list, so each part of the name takes its own from the front.
        var arguments = new Queue<Type>(type.GetGenericArguments());
        var parts = OfDefinition(type.GetGenericTypeDefinition()).Split('.').Select(part =>
        {
            var tick = part.IndexOf('`');
            if (tick < 0)
            {
                return part;
            }

            var own = Enumerable.Range(0, int.Parse(part.AsSpan(tick + 1))).Select(_ => Of(arguments.Dequeue()));
            return $"{part[..tick]}{{{string.Join(',', own)}}}";
        });
        return string.Join('.', parts);
    }
}
