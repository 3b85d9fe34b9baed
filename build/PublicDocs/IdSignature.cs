using System.Collections.Immutable;
using System.Reflection.Metadata;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Reversible.Build;

/// <summary>
/// Formats the types of a signature for documentation IDs: "ID string format" in the C# specification's annex on documentation comments.
/// </summary>
internal sealed partial class IdSignature : ISignatureTypeProvider<string, object?>
{
    /// <summary>Returns the parameters in parentheses, or an empty string if there are none.</summary>
    public static string Parameters(MethodSignature<string> signature) =>
        signature.ParameterTypes.IsEmpty ? "" : $"({string.Join(',', signature.ParameterTypes)})";

    /// <summary>Returns a type's name with its namespace, its enclosing types and the number of its type parameters.</summary>
    public static string NameOf(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        string name = FileLocal().Replace(reader.GetString(type.Name), "");
        return type.GetDeclaringType() is { IsNil: false } outer
            ? $"{NameOf(reader, outer)}.{name}"
            : WithNamespace(reader.GetString(type.Namespace), name);
    }

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => "System." + typeCode;

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => NameOf(reader, handle);

    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind)
    {
        TypeReference type = reader.GetTypeReference(handle);
        string name = reader.GetString(type.Name);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{GetTypeFromReference(reader, (TypeReferenceHandle)type.ResolutionScope, 0)}.{name}"
            : WithNamespace(reader.GetString(type.Namespace), name);
    }

    public string GetTypeFromSpecification(
        MetadataReader reader, object? genericContext, TypeSpecificationHandle handle, byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    /// <summary>Type arguments follow the type that they belong to: Outer`1.Inner`2 with three arguments is Outer{A}.Inner{B,C}.</summary>
    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments)
    {
        int taken = 0;
        return string.Join('.', genericType.Split('.').Select(part =>
        {
            int mark = part.IndexOf('`');
            if (mark < 0) return part;
            int count = int.Parse(part.AsSpan(mark + 1));
            IEnumerable<string> arguments = typeArguments.Skip(taken).Take(count);
            taken += count;
            return $"{part[..mark]}{{{string.Join(',', arguments)}}}";
        }));
    }

    public string GetGenericTypeParameter(object? genericContext, int index) => "`" + index;

    public string GetGenericMethodParameter(object? genericContext, int index) => "``" + index;

    public string GetSZArrayType(string elementType) => elementType + "[]";

    public string GetArrayType(string elementType, ArrayShape shape) =>
        $"{elementType}[{string.Join(',', Enumerable.Repeat("0:", shape.Rank))}]";

    public string GetByReferenceType(string elementType) => elementType + "@";

    public string GetPointerType(string elementType) => elementType + "*";

    public string GetPinnedType(string elementType) => elementType;

    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => unmodifiedType;

    /// <summary>Returns an empty string: the compiler writes nothing for such a type.</summary>
    public string GetFunctionPointerType(MethodSignature<string> signature) => "";

    /// <summary>The prefix that the compiler gives the name of a type declared with <c>file</c>, such as generated ones.</summary>
    [GeneratedRegex("^<[^>]*>F[0-9A-F]{64}__")]
    private static partial Regex FileLocal();

    private static string WithNamespace(string space, string name) => space.Length == 0 ? name : $"{space}.{name}";
}
