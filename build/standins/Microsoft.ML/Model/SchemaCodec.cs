namespace Microsoft.ML.Data;

/// <summary>Writes and reads schemas with their annotations.</summary>
internal static class SchemaCodec
{
    private enum TypeTag : byte
    {
        Primitive,
        Key,
        Vector,
        RowId,
    }

    public static void Write(BinaryWriter writer, DataViewSchema schema)
    {
        writer.Write(schema.Count);
        foreach (var column in schema)
            WriteColumn(writer, column);
    }

    public static DataViewSchema Read(BinaryReader reader)
    {
        var builder = new DataViewSchema.Builder();
        for (var left = reader.ReadInt32(); left > 0; left--)
            builder.AddColumns([ReadColumn(reader)]);
        return builder.ToSchema();
    }

    public static void WriteColumn(BinaryWriter writer, DataViewSchema.Column column)
    {
        writer.Write(column.Name);
        WriteType(writer, column.Type);
        var annotations = column.Annotations;
        writer.Write(annotations.Schema.Count);
        foreach (var annotation in annotations.Schema)
        {
            writer.Write(annotation.Name);
            WriteType(writer, annotation.Type);
            TypeMap.Call(typeof(SchemaCodec), nameof(WriteValue), [annotation.Type.RawType], writer, annotations, annotation);
        }
    }

    public static DataViewSchema.DetachedColumn ReadColumn(BinaryReader reader)
    {
        var name = reader.ReadString();
        var type = ReadType(reader);
        var annotations = new DataViewSchema.Annotations.Builder();
        for (var left = reader.ReadInt32(); left > 0; left--)
        {
            var annotationName = reader.ReadString();
            var annotationType = ReadType(reader);
            annotations.Add(annotationName, annotationType,
                (Delegate)TypeMap.Call(typeof(SchemaCodec), nameof(ReadValue), [annotationType.RawType], reader));
        }
        return new DataViewSchema.DetachedColumn(name, type, annotations.ToAnnotations());
    }

    private static void WriteValue<T>(BinaryWriter writer, DataViewSchema.Annotations annotations, DataViewSchema.Column annotation)
    {
        T value = default;
        annotations.GetGetter<T>(annotation)(ref value);
        ValueCodec<T>.Write(writer, value);
    }

    private static ValueGetter<T> ReadValue<T>(BinaryReader reader)
    {
        var value = ValueCodec<T>.Read(reader);
        return VBufferCopy.From((ref T destination) => destination = value);
    }

    private static void WriteType(BinaryWriter writer, DataViewType type)
    {
        switch (type)
        {
            case VectorDataViewType vector:
                writer.Write((byte)TypeTag.Vector);
                WriteType(writer, vector.ItemType);
                writer.Write(vector.Dimensions.Length);
                foreach (var dimension in vector.Dimensions)
                    writer.Write(dimension);
                break;
            case KeyDataViewType key:
                writer.Write((byte)TypeTag.Key);
                writer.Write((byte)TypeMap.KindOf(key.RawType));
                writer.Write(key.Count);
                break;
            case RowIdDataViewType:
                writer.Write((byte)TypeTag.RowId);
                break;
            default:
                writer.Write((byte)TypeTag.Primitive);
                writer.Write((byte)TypeMap.KindOf(type.RawType));
                break;
        }
    }

    private static DataViewType ReadType(BinaryReader reader)
    {
        switch ((TypeTag)reader.ReadByte())
        {
            case TypeTag.Vector:
                var item = (PrimitiveDataViewType)ReadType(reader);
                var dimensions = new int[reader.ReadInt32()];
                for (var i = 0; i < dimensions.Length; i++)
                    dimensions[i] = reader.ReadInt32();
                return new VectorDataViewType(item, dimensions);
            case TypeTag.Key:
                return new KeyDataViewType(TypeMap.OfKind((DataKind)reader.ReadByte()).RawType, reader.ReadUInt64());
            case TypeTag.RowId:
                return RowIdDataViewType.Instance;
            default:
                return TypeMap.OfKind((DataKind)reader.ReadByte());
        }
    }
}
