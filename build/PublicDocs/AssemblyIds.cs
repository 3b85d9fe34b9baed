using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Microsoft.ML.Reversible.Build;

/// <summary>Reads the documentation IDs of all members of an assembly from its metadata.</summary>
internal sealed class AssemblyIds
{
    private readonly MetadataReader _reader;
    private readonly Dictionary<string, bool> _visible = new(StringComparer.Ordinal);

    private AssemblyIds(MetadataReader reader) => _reader = reader;

    /// <summary>Returns each ID, and whether it is visible outside the assembly: public or protected, in visible types.</summary>
    public static IReadOnlyDictionary<string, bool> Read(string assembly)
    {
        using FileStream stream = File.OpenRead(assembly);
        using var file = new PEReader(stream);
        var ids = new AssemblyIds(file.GetMetadataReader());
        ids.AddAll();
        return ids._visible;
    }

    private void AddAll()
    {
        foreach (TypeDefinitionHandle handle in _reader.TypeDefinitions)
        {
            TypeDefinition type = _reader.GetTypeDefinition(handle);
            string name = IdSignature.NameOf(_reader, handle);
            bool isVisible = IsVisible(handle);
            Add('T', name, isVisible);
            foreach (FieldDefinition field in type.GetFields().Select(_reader.GetFieldDefinition))
                Add('F', $"{name}.{MemberName(field.Name)}", isVisible && IsVisible((MethodAttributes)field.Attributes));
            foreach (MethodDefinitionHandle method in type.GetMethods())
                Add('M', $"{name}.{MethodId(method)}", isVisible && IsVisible(method));
            foreach (PropertyDefinition property in type.GetProperties().Select(_reader.GetPropertyDefinition))
            {
                PropertyAccessors accessors = property.GetAccessors();
                string parameters = IdSignature.Parameters(property.DecodeSignature(new IdSignature(), null));
                bool isReachable = IsVisible(accessors.Getter) || IsVisible(accessors.Setter);
                Add('P', $"{name}.{MemberName(property.Name)}{parameters}", isVisible && isReachable);
            }

            foreach (EventDefinition @event in type.GetEvents().Select(_reader.GetEventDefinition))
                Add('E', $"{name}.{MemberName(@event.Name)}", isVisible && IsVisible(@event.GetAccessors().Adder));
        }
    }

    // Two members have the same ID if they differ only in parts that the ID omits; the visible one counts.
    private void Add(char kind, string name, bool isVisible)
    {
        string id = $"{kind}:{name}";
        _visible[id] = isVisible || _visible.GetValueOrDefault(id);
    }

    private string MethodId(MethodDefinitionHandle handle)
    {
        MethodDefinition method = _reader.GetMethodDefinition(handle);
        MethodSignature<string> signature = method.DecodeSignature(new IdSignature(), null);
        string id = MemberName(method.Name);
        if (signature.GenericParameterCount > 0) id += "``" + signature.GenericParameterCount;
        id += IdSignature.Parameters(signature);
        return id.StartsWith("op_Implicit", StringComparison.Ordinal) || id.StartsWith("op_Explicit", StringComparison.Ordinal)
            ? $"{id}~{signature.ReturnType}"
            : id;
    }

    // Names of constructors and explicit implementations contain the character that separates the parts of an ID.
    private string MemberName(StringHandle handle) =>
        _reader.GetString(handle).Replace('.', '#').Replace('<', '{').Replace('>', '}').Replace(',', '@');

    private bool IsVisible(TypeDefinitionHandle handle)
    {
        TypeDefinition type = _reader.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => true,
            TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem =>
                IsVisible(type.GetDeclaringType()),
            _ => false,
        };
    }

    private bool IsVisible(MethodDefinitionHandle handle) => !handle.IsNil && IsVisible(_reader.GetMethodDefinition(handle).Attributes);

    // The access masks of fields and methods are the same.
    private static bool IsVisible(MethodAttributes attributes) =>
        (attributes & MethodAttributes.MemberAccessMask)
            is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;
}
